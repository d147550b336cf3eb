// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {InferenceSettlement} from "../src/InferenceSettlement.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {OperatorRegistry} from "../src/OperatorRegistry.sol";
import {RewardReserve} from "../src/RewardReserve.sol";
import {Slasher} from "../src/Slasher.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {TestToken} from "../src/TestToken.sol";
import {UptimeLedger} from "../src/UptimeLedger.sol";
import {IBatches} from "../src/interfaces/IBatches.sol";
import {IFaults} from "../src/interfaces/IFaults.sol";
import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {IPriceOracle} from "../src/interfaces/IPriceOracle.sol";
import {IRewardReserve} from "../src/interfaces/IRewardReserve.sol";
import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {IUptimeLedger} from "../src/interfaces/IUptimeLedger.sol";
import {FixedPrice} from "./FixedPrice.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Test, Vm} from "forge-std/Test.sol";

/// @notice The whole system, wired as the deployer wires it, with named actors and the signatures that real clients make.
/// @dev Digests are built here from the type strings, never by the contracts' own digest functions, so that a test that
///      passes has two implementations agree. Time is read by `_now()`: under `via_ir` the compiler may read
///      `block.timestamp` once and keep it over a `vm.warp`.
abstract contract Base is Test {
    uint64 internal constant SLASHER = 1;
    uint64 internal constant GOVERNOR = 2;
    uint64 internal constant AUDITOR = 3;
    uint64 internal constant GUARDIAN = 5;
    uint64 internal constant JUDGE = 4;

    uint64 internal constant START = 1_800_000_000;
    uint256 internal constant FLOOR = 1000 ether;
    uint256 internal constant MIN_DEPOSIT = 1 ether;
    uint256 internal constant OWN_STAKE = 2000 ether;
    uint64 internal constant THAW = 23 days;
    uint64 internal constant EVIDENCE = 7 days;
    uint64 internal constant CORRELATION_WINDOW = 8 days;
    uint64 internal constant COMMISSION_DELAY = THAW;
    uint16 internal constant COMMISSION_BPS = 1000;
    uint16 internal constant PROTOCOL_FEE_BPS = 500;
    uint16 internal constant ROYALTY_BPS = 300;
    uint64 internal constant EXIT_DELAY = 7 days;
    uint64 internal constant EPOCH = 1 days;
    uint64 internal constant GENESIS = START + 1 days;
    uint32 internal constant SLOT_SECONDS = 1 hours;
    uint32 internal constant SLOTS = 24;
    uint64 internal constant PERIOD_SECONDS = uint64(SLOT_SECONDS) * SLOTS;
    uint64 internal constant REPORT_WINDOW = 12 hours;
    uint64 internal constant REWARD_REPORT = 1 days;
    uint64 internal constant REWARD_CLAIM = 30 days;
    uint32 internal constant GOVERNOR_DELAY = 23 days;
    /// @dev Of stake in fee tokens, where they are two: high, so that coverage is short only where a test makes it so.
    uint256 internal constant PRICE = 1000 ether;
    address internal constant BURN = 0x000000000000000000000000000000000000dEaD;
    bytes32 internal constant DOMAIN = "aws/eu-west-1";
    /// @dev No model has this id.
    bytes32 internal constant UNKNOWN = "unknown";

    address internal admin = makeAddr("admin");
    address internal governor = makeAddr("governor");
    address internal guardian = makeAddr("guardian");
    address internal auditor = makeAddr("auditor");
    address internal judge = makeAddr("judge");
    address internal sink = makeAddr("sink");
    address internal publisher = makeAddr("publisher");
    address internal reporter = makeAddr("reporter");
    address internal attacker = makeAddr("attacker");
    address internal alice = makeAddr("alice the delegator");
    address internal bob = makeAddr("bob the delegator");
    Account internal payer = makeAccount("payer");
    Account internal secondPayer = makeAccount("second payer");
    Account internal sessionKey = makeAccount("session key");

    TestToken internal stakeToken;
    TestToken internal feeToken;
    AccessManager internal accessManager;
    ModelRegistry internal modelRegistry;
    StakeVault internal vault;
    OperatorRegistry internal operatorRegistry;
    IPriceOracle internal priceOracle;
    InferenceSettlement internal settlement;
    UptimeLedger internal ledger;
    RewardReserve internal rewardReserve;
    /// @dev The same, as the account that the settlement credits.
    address internal reserve;
    Slasher internal slasher;

    /// @dev Version 1 of the publisher's model, which every operator registered here serves.
    bytes32 internal modelId;
    /// @dev Registered operators in the order of their bitmap index.
    address[] internal operators;
    mapping(address operator => Account) internal signingKeyOf;
    mapping(address operator => address) internal settlerOf;
    mapping(uint64 period => uint32[] members) internal committeeOf;
    /// @dev Batches as their events tell them, and those of them that were not released yet.
    mapping(uint256 batchId => IBatches.Batch) internal batchOf;
    uint256[] internal openBatches;
    /// @dev Periods with a result that the slasher has not weighed, in ascending order, and their result words.
    uint64[] private _unweighed;
    mapping(uint64 period => uint256[]) private _observedIn;
    mapping(uint64 period => uint256[]) private _upIn;

    function setUp() public virtual {
        vm.warp(START);
        vm.roll(1000);
        _deploy();
        // Before the prank: the precompile's call would use it up.
        bytes32 weightsDigest = sha256("weights");
        vm.prank(publisher);
        modelId = modelRegistry.registerModel(
            weightsDigest, 0, IModelRegistry.Mode.Reexecution, ROYALTY_BPS, "ipfs://weights", 0
        );
    }

    // The two token configurations, and the hostile tokens, differ in these two functions alone.

    function _createStakeToken() internal virtual returns (TestToken) {
        return TestToken(_create("TestToken", abi.encode("Stake", "STK", 18)));
    }

    function _createFeeToken(TestToken) internal virtual returns (TestToken) {
        return TestToken(_create("TestToken", abi.encode("Fee", "FEE", 18)));
    }

    /// @dev Of the two tokens; one token has no price in itself.
    function _createPriceOracle() internal virtual returns (IPriceOracle) {
        return new FixedPrice(PRICE);
    }

    /// @dev Tests that need many periods at hand have a longer one.
    function _evidenceWindow() internal pure virtual returns (uint64) {
        return EVIDENCE;
    }

    function _durations() internal pure returns (IStakeVault.Durations memory) {
        return
            IStakeVault.Durations({thaw: THAW, evidence: EVIDENCE, dispute: 7 days, resolution: 7 days, buffer: 2 days});
    }

    function _configuration() internal view returns (InferenceSettlement.Configuration memory) {
        return InferenceSettlement.Configuration({
            reserve: reserve,
            protocolFeeBps: PROTOCOL_FEE_BPS,
            exitDelay: EXIT_DELAY,
            epochDuration: EPOCH,
            coverage: _coverageTerms()
        });
    }

    function _coverageTerms() internal pure virtual returns (IBatches.CoverageTerms memory) {
        return IBatches.CoverageTerms({
            betaBps: 30_000, utilisationBps: 7900, haircutBps: 8000, penaltyBps: 8444, correlationBps: 1000
        });
    }

    function _schedule() internal pure returns (IUptimeLedger.Schedule memory) {
        return IUptimeLedger.Schedule({
            genesis: GENESIS, slotSeconds: SLOT_SECONDS, slotsPerPeriod: SLOTS, reportWindow: REPORT_WINDOW
        });
    }

    /// @dev One token an hour for each floor of stake.
    function _parameters() internal pure returns (IRewardReserve.Parameters memory) {
        return IRewardReserve.Parameters({wage: 1 ether, domainBps: 1500, refillBps: 3000});
    }

    function _penalty() internal pure returns (ISlasher.DowntimePenalty memory) {
        return ISlasher.DowntimePenalty({
            earningsBps: 5000,
            principalBps: 100,
            reporterCutBps: 1000,
            repeatAfter: 2,
            memoryPeriods: 7,
            jailSeconds: 2 days
        });
    }

    function _slasherConfiguration() internal pure returns (ISlasher.Configuration memory) {
        return ISlasher.Configuration({
            evidenceWindow: _evidenceWindow(), correlationWindow: CORRELATION_WINDOW, firstPeriod: 0
        });
    }

    function _faultTable() internal pure returns (ISlasher.FaultTable memory) {
        return ISlasher.FaultTable({
            withheld: _terms([uint16(5000), 500, 5000, 1000], false, 2 days),
            wrongOutput: _terms([uint16(10_000), 8444, 0, 2000], false, 30 days),
            equivocation: _terms([uint16(10_000), 8444, 0, 2000], true, 0),
            falseReport: _terms([uint16(5000), 500, 0, 1000], false, 7 days),
            unrevealed: _terms([uint16(100), 10, 100, 0], false, 0)
        });
    }

    /// @param bps Of earnings, principal, correlated principal, and the cut.
    function _terms(uint16[4] memory bps, bool tombstone, uint64 jailSeconds)
        internal
        pure
        returns (IFaults.Terms memory)
    {
        return IFaults.Terms({
            earningsBps: bps[0],
            principalBps: bps[1],
            correlatedBps: bps[2],
            cutBps: bps[3],
            tombstone: tombstone,
            jailSeconds: jailSeconds
        });
    }

    /// @dev Whether the contracts are those that ship, as under `make test`; gas means something only then.
    function _isRelease() internal view returns (bool) {
        return vm.envOr("PLUMBLINE_RELEASE", false);
    }

    /// @dev Otherwise, and for coverage, contracts are compiled as the tests are.
    function _create(string memory name, bytes memory arguments) internal returns (address) {
        string memory artifact = _isRelease()
            ? string.concat("target/forge/release/out/", name, ".sol/", name, ".json")
            : string.concat(name, ".sol:", name);
        return deployCode(artifact, arguments);
    }

    function _deploy() private {
        stakeToken = _createStakeToken();
        feeToken = _createFeeToken(stakeToken);
        accessManager = AccessManager(_create("AccessManager", abi.encode(this)));
        modelRegistry = ModelRegistry(_create("ModelRegistry", ""));
        vault = StakeVault(
            _create(
                "StakeVault", abi.encode(accessManager, stakeToken, feeToken, sink, FLOOR, MIN_DEPOSIT, _durations())
            )
        );
        operatorRegistry = OperatorRegistry(
            _create("OperatorRegistry", abi.encode(accessManager, modelRegistry, vault, COMMISSION_DELAY))
        );
        if (stakeToken != feeToken) priceOracle = _createPriceOracle();
        ledger = UptimeLedger(_create("UptimeLedger", abi.encode(operatorRegistry, _schedule())));
        rewardReserve = RewardReserve(
            _create(
                "RewardReserve",
                abi.encode(accessManager, ledger, operatorRegistry, vault, REWARD_REPORT, REWARD_CLAIM, _parameters())
            )
        );
        reserve = address(rewardReserve);
        settlement = InferenceSettlement(
            _create(
                "InferenceSettlement",
                abi.encode(
                    accessManager, feeToken, operatorRegistry, modelRegistry, vault, priceOracle, _configuration()
                )
            )
        );
        slasher = Slasher(
            _create(
                "Slasher",
                abi.encode(
                    accessManager,
                    ledger,
                    operatorRegistry,
                    vault,
                    settlement,
                    _slasherConfiguration(),
                    _penalty(),
                    _faultTable()
                )
            )
        );
        _wire();
    }

    function _wire() private {
        accessManager.setTargetFunctionRole(address(vault), _selectors(vault.slash.selector), SLASHER);
        accessManager.setTargetFunctionRole(address(settlement), _selectors(settlement.seize.selector), SLASHER);
        accessManager.setTargetFunctionRole(
            address(operatorRegistry), _selectors(operatorRegistry.jail.selector), SLASHER
        );
        accessManager.setTargetFunctionRole(
            address(operatorRegistry), _selectors(operatorRegistry.tombstone.selector), SLASHER
        );
        accessManager.setTargetFunctionRole(
            address(slasher), _selectors(slasher.changeDowntimePenalty.selector), GOVERNOR
        );
        accessManager.setTargetFunctionRole(address(settlement), _selectors(settlement.release.selector), AUDITOR);
        accessManager.setTargetFunctionRole(address(settlement), _selectors(settlement.pause.selector), GUARDIAN);
        accessManager.setTargetFunctionRole(address(settlement), _selectors(settlement.unpause.selector), GUARDIAN);
        accessManager.setTargetFunctionRole(address(slasher), _selectors(slasher.changeFaultTerms.selector), GOVERNOR);
        accessManager.setTargetFunctionRole(address(slasher), _selectors(slasher.punish.selector), JUDGE);
        accessManager.grantRole(JUDGE, judge, 0);
        accessManager.setTargetFunctionRole(reserve, _selectors(rewardReserve.changeParameters.selector), GOVERNOR);
        rewardReserve.bind(address(settlement));
        accessManager.grantRole(SLASHER, address(slasher), 0);
        accessManager.grantRole(AUDITOR, auditor, 0);
        accessManager.grantRole(GUARDIAN, guardian, 0);
        accessManager.grantRole(GOVERNOR, governor, GOVERNOR_DELAY);
        accessManager.grantRole(accessManager.ADMIN_ROLE(), admin, 0);
        accessManager.renounceRole(accessManager.ADMIN_ROLE(), address(this));
    }

    function _selectors(bytes4 selector) private pure returns (bytes4[] memory list) {
        list = new bytes4[](1);
        list[0] = selector;
    }

    // Time.

    function _now() internal view returns (uint64) {
        return uint64(vm.getBlockTimestamp());
    }

    function _blockNumber() internal view returns (uint64) {
        return uint64(vm.getBlockNumber());
    }

    /// @dev Never goes back: tests that call helpers in an impossible order fail here.
    function _warpTo(uint64 timestamp) internal {
        require(timestamp >= _now(), "time does not go back");
        vm.warp(timestamp);
    }

    function _skip(uint64 duration) internal {
        vm.warp(_now() + duration);
    }

    function _mine(uint256 blocks) internal {
        vm.roll(_blockNumber() + blocks);
    }

    /// @dev Schedules a call by the governor, waits out its delay and executes it.
    function _govern(address target, bytes memory data) internal {
        vm.prank(governor);
        accessManager.schedule(target, data, 0);
        _skip(GOVERNOR_DELAY);
        vm.prank(governor);
        accessManager.execute(target, data);
    }

    // Stake.

    /// @dev Mints and approves, so that the next call of `account` to `spender` can take `amount`.
    function _fund(TestToken token, address account, address spender, uint256 amount) internal {
        token.mint(account, amount);
        vm.prank(account);
        token.approve(spender, amount);
    }

    function _stake(address operator, uint256 assets) internal returns (uint256 shares) {
        _fund(stakeToken, operator, address(vault), assets);
        vm.prank(operator);
        shares = vault.stake(assets);
    }

    function _delegate(address delegator, address operator, uint256 assets) internal returns (uint256 shares) {
        _fund(stakeToken, delegator, address(vault), assets);
        vm.prank(delegator);
        shares = vault.delegate(operator, assets, 0);
    }

    function _thaw(address delegator, address operator, uint256 shares) internal returns (uint256 ticketId) {
        vm.prank(delegator);
        ticketId = vault.thaw(operator, shares);
    }

    function _withdraw(address delegator, uint256 ticketId) internal returns (uint256 assets) {
        uint256[] memory ticketIds = new uint256[](1);
        ticketIds[0] = ticketId;
        vm.prank(delegator);
        assets = vault.withdraw(ticketIds);
    }

    /// @dev As the slasher does it.
    function _slash(address operator, uint256 amount, uint256 cutBps) internal returns (uint256 actual) {
        vm.prank(address(slasher));
        actual = vault.slash(operator, amount, cutBps, reporter);
    }

    function _distribute(address operator, uint256 amount) internal {
        _fund(feeToken, payer.addr, address(vault), amount);
        vm.prank(payer.addr);
        vault.distribute(operator, amount);
    }

    function _sharesOf(address operator, address delegator) internal view returns (uint256) {
        return vault.position(operator, delegator).shares;
    }

    // Operators.

    /// @dev Stakes `OWN_STAKE`, registers and serves the model.
    function _registerOperator(string memory name) internal returns (address operator) {
        operator = makeAddr(name);
        _stake(operator, OWN_STAKE);
        _register(operator, makeAccount(string.concat(name, " signing key")));
        vm.prank(operator);
        operatorRegistry.serve(modelId, 1, 1 gwei);
    }

    function _registerOperators(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            _registerOperator(string.concat("operator ", vm.toString(operators.length)));
        }
    }

    /// @dev Registers a staker with a settler key of its own.
    function _register(address operator, Account memory key) internal {
        address settler = makeAddr(string.concat("settler of ", vm.toString(operator)));
        bytes memory keySignature = _signKeyBinding(operator, key);
        vm.prank(operator);
        operatorRegistry.register(key.addr, settler, DOMAIN, "https://operator.example", COMMISSION_BPS, keySignature);
        operators.push(operator);
        signingKeyOf[operator] = key;
        settlerOf[operator] = settler;
    }

    // Signatures.

    function _domainSeparator(string memory name, address verifyingContract) internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256("1"),
                block.chainid,
                verifyingContract
            )
        );
    }

    function _digest(string memory name, address verifyingContract, bytes32 structHash)
        internal
        view
        returns (bytes32)
    {
        return keccak256(abi.encodePacked(hex"1901", _domainSeparator(name, verifyingContract), structHash));
    }

    function _sign(uint256 privateKey, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(privateKey, digest);
        return abi.encodePacked(r, s, v);
    }

    function _keyBindingDigest(address operator, address key) internal view returns (bytes32) {
        bytes32 structHash = keccak256(abi.encode(keccak256("KeyBinding(address operator,address key)"), operator, key));
        return _digest("Plumbline OperatorRegistry", address(operatorRegistry), structHash);
    }

    function _signKeyBinding(address operator, Account memory key) internal view returns (bytes memory) {
        return _sign(key.key, _keyBindingDigest(operator, key.addr));
    }

    function _signerBindingDigest(address payer_, address signer) internal view returns (bytes32) {
        bytes32 structHash =
            keccak256(abi.encode(keccak256("SignerBinding(address payer,address signer)"), payer_, signer));
        return _digest("Plumbline InferenceSettlement", address(settlement), structHash);
    }

    function _signSignerBinding(address payer_, Account memory signer) internal view returns (bytes memory) {
        return _sign(signer.key, _signerBindingDigest(payer_, signer.addr));
    }

    function _voucherDigest(IInferenceSettlement.Voucher memory voucher) internal view returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Voucher(address payer,address operator,bytes32 modelId,uint128 cumulativeFee,uint64 cumulativeUnits)"
                ),
                voucher.payer,
                voucher.operator,
                voucher.modelId,
                voucher.cumulativeFee,
                voucher.cumulativeUnits
            )
        );
        return _digest("Plumbline InferenceSettlement", address(settlement), structHash);
    }

    function _signVoucher(IInferenceSettlement.Voucher memory voucher, Account memory signer)
        internal
        view
        returns (bytes memory)
    {
        return _sign(signer.key, _voucherDigest(voucher));
    }

    function _reportDigest(uint64 period, uint256[] memory observed, uint256[] memory up, bytes32 evidenceRoot)
        internal
        view
        returns (bytes32)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("UptimeReport(uint64 period,uint256[] observed,uint256[] up,bytes32 evidenceRoot)"),
                period,
                keccak256(abi.encodePacked(observed)),
                keccak256(abi.encodePacked(up)),
                evidenceRoot
            )
        );
        return _digest("Plumbline UptimeLedger", address(ledger), structHash);
    }

    // Payments.

    function _deposit(address payer_, address operator, uint256 amount) internal {
        _fund(feeToken, payer_, address(settlement), amount);
        vm.prank(payer_);
        settlement.deposit(payer_, operator, amount);
    }

    function _voucher(address payer_, address operator, uint128 cumulativeFee, uint64 cumulativeUnits)
        internal
        view
        returns (IInferenceSettlement.Voucher memory)
    {
        return IInferenceSettlement.Voucher({
            payer: payer_,
            operator: operator,
            modelId: modelId,
            cumulativeFee: cumulativeFee,
            cumulativeUnits: cumulativeUnits
        });
    }

    /// @dev Settles one voucher as the operator, behind the root of one made-up receipt.
    function _settle(IInferenceSettlement.Voucher memory voucher, bytes memory signature)
        internal
        returns (uint256 batchId)
    {
        IInferenceSettlement.Voucher[] memory vouchers = new IInferenceSettlement.Voucher[](1);
        vouchers[0] = voucher;
        bytes[] memory signatures = new bytes[](1);
        signatures[0] = signature;
        vm.recordLogs();
        vm.prank(voucher.operator);
        batchId = settlement.settle(vouchers, signatures, keccak256("receipts"), 1, 0, "ipfs://receipts");
        _noteBatches();
    }

    /// @dev Keeps the batches that were settled since logs are recorded.
    function _noteBatches() internal {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IInferenceSettlement.BatchSettled.selector) continue;
            (bytes32 receiptsRoot, uint32 receiptCount, uint128 earned, uint128 risk,) =
                abi.decode(logs[i].data, (bytes32, uint32, uint128, uint128, string));
            uint256 batchId = uint256(logs[i].topics[2]);
            openBatches.push(batchId);
            batchOf[batchId] = IBatches.Batch({
                operator: address(uint160(uint256(logs[i].topics[1]))),
                settledAt: _now(),
                settledBlock: _blockNumber(),
                receiptCount: receiptCount,
                receiptsRoot: receiptsRoot,
                earned: earned,
                risk: risk
            });
        }
    }

    /// @dev As the auditor does it when a batch was not drawn, or was judged.
    function _release(uint256 batchId) internal {
        vm.prank(auditor);
        settlement.release(batchId, batchOf[batchId]);
    }

    function _releaseAll() internal {
        for (; openBatches.length != 0; openBatches.pop()) {
            uint256 batchId = openBatches[openBatches.length - 1];
            if (settlement.isBatch(batchId, batchOf[batchId], false)) _release(batchId);
        }
    }

    /// @dev `payer` deposits `fee` more and pays it to the operator in the lane of the model; the batch is released.
    function _pay(address operator, uint128 fee) internal {
        _deposit(payer.addr, operator, fee);
        IInferenceSettlement.Lane memory lane = settlement.lane(payer.addr, operator, modelId);
        IInferenceSettlement.Voucher memory voucher = _voucher(payer.addr, operator, lane.fee + fee, lane.units + 1000);
        _release(_settle(voucher, _signVoucher(voucher, payer)));
    }

    // Faults.

    /// @dev A seizure as the slasher asks for it, where nobody is refunded.
    function _seizure(address operator, uint256 amount, uint256 cutBps, address beneficiary)
        internal
        pure
        returns (IInferenceSettlement.Seizure memory)
    {
        return IInferenceSettlement.Seizure({
            operator: operator, amount: amount, cutBps: cutBps, beneficiary: beneficiary, victim: address(0), refund: 0
        });
    }

    // Uptime.

    function _periodStart(uint64 period) internal pure returns (uint64) {
        return GENESIS + period * PERIOD_SECONDS;
    }

    /// @dev Requests and draws the committee of a period, during the period before.
    function _draw(uint64 period) internal returns (uint32[] memory members) {
        uint64 opensAt = _periodStart(period) - PERIOD_SECONDS;
        if (_now() < opensAt) _warpTo(opensAt);
        ledger.requestDraw(period);
        _mine(3);
        members = ledger.drawCommittee(period);
        committeeOf[period] = members;
    }

    /// @dev Bitmaps of a whole period in which every operator was observed and up in every slot.
    function _allUp() internal view returns (uint256[] memory observed, uint256[] memory up) {
        uint256 words = (operators.length + 255) / 256;
        observed = new uint256[](SLOTS * words);
        up = new uint256[](SLOTS * words);
        for (uint256 i = 0; i < observed.length; ++i) {
            uint256 inWord = operators.length - (i % words) * 256;
            observed[i] = inWord >= 256 ? type(uint256).max : (1 << inWord) - 1;
            up[i] = observed[i];
        }
    }

    /// @dev As `_allUp`, but the operator at `index` was down in the first `missedSlots` slots.
    function _downFor(uint32 index, uint256 missedSlots)
        internal
        view
        returns (uint256[] memory observed, uint256[] memory up)
    {
        (observed, up) = _allUp();
        uint256 words = observed.length / SLOTS;
        for (uint256 slot = 0; slot < missedSlots; ++slot) {
            up[slot * words + index / 256] &= ~(1 << (index % 256));
        }
    }

    /// @dev A report signed by the member's present signing key.
    function _report(uint64 period, uint32[] memory members, uint8 seat, uint256[] memory observed, uint256[] memory up)
        internal
        view
        returns (IUptimeLedger.Report memory)
    {
        bytes32 evidenceRoot = keccak256(abi.encode("evidence", period, seat));
        Account memory key = signingKeyOf[operators[members[seat]]];
        return IUptimeLedger.Report({
            seat: seat,
            observed: observed,
            up: up,
            evidenceRoot: evidenceRoot,
            signature: _sign(key.key, _reportDigest(period, observed, up, evidenceRoot))
        });
    }

    /// @dev Every member of the committee reports the same.
    function _reports(uint64 period, uint32[] memory members, uint256[] memory observed, uint256[] memory up)
        internal
        view
        returns (IUptimeLedger.Report[] memory reports)
    {
        reports = new IUptimeLedger.Report[](members.length);
        for (uint256 i = 0; i < members.length; ++i) {
            // A committee has seven seats.
            // forge-lint: disable-next-line(unsafe-typecast)
            reports[i] = _report(period, members, uint8(i), observed, up);
        }
    }

    /// @dev A whole period: draw, sign, post; and the draw for the next, whose turn comes before this one ends. The result
    ///      is final `REPORT_WINDOW` after the end: see `_finalize`.
    function _runPeriod(uint64 period, uint256[] memory observed, uint256[] memory up) internal {
        if (committeeOf[period].length == 0) _draw(period);
        _draw(period + 1);
        _warpTo(_periodStart(period + 1));
        uint32[] memory members = committeeOf[period];
        ledger.post(period, members, _reports(period, members, observed, up));
        _unweighed.push(period);
        (_observedIn[period], _upIn[period]) = (observed, up);
    }

    /// @dev Waits until the result is final, and weighs it and those before it.
    function _finalize(uint64 period) internal {
        _warpTo(_periodStart(period + 1) + REPORT_WINDOW);
        for (uint256 i = 0; i < _unweighed.length && _unweighed[i] <= period; ++i) {
            uint64 next = _unweighed[i];
            // What is there already was weighed by the test itself, or at an earlier call.
            if (next >= slasher.nextPeriod()) slasher.weighPeriod(next, _observedIn[next], _upIn[next]);
        }
    }
}

/// @notice The same system where the fee token is the stake token.
abstract contract OneTokenBase is Base {
    function _createFeeToken(TestToken stakeToken_) internal pure override returns (TestToken) {
        return stakeToken_;
    }
}
